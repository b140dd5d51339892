// `every(ms, act)`: like setInterval, but a hidden tab does not slow it down. Answers how to stop.
const acts = new Map<number, () => void>();
let worker: Worker | null = null;
let last = 0;

function started(): Worker {
  if (!worker) {
    worker = new Worker(new URL("./ticker.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<number>) => acts.get(data)?.();
  }
  return worker;
}

export function every(ms: number, act: () => void): () => void {
  if (typeof Worker === "undefined") {
    const timer = setInterval(act, ms);
    return () => clearInterval(timer);
  }
  const id = ++last;
  acts.set(id, act);
  started().postMessage({ id, ms });
  return () => {
    acts.delete(id);
    worker?.postMessage({ id, ms: 0 });
  };
}
