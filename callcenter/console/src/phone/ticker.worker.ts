// A clock that goes on at its pace while the tab is hidden: browsers slow a page's own timers to one a minute.
const timers = new Map<number, ReturnType<typeof setInterval>>();

self.onmessage = ({ data }: MessageEvent<{ id: number; ms: number }>) => {
  const { id, ms } = data;
  clearInterval(timers.get(id));
  timers.delete(id);
  if (ms > 0) timers.set(id, setInterval(() => self.postMessage(id), ms));
};
