// Times as operators read them: Shanghai's clock, and durations that go on.
import { useEffect, useState } from "react";

const CLOCK = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" });

/** 14:05:09 in Shanghai. */
export function clock(at: string | number | Date): string {
  return CLOCK.format(new Date(at));
}

/** 2026-03-05 14:05 in Shanghai. */
export function moment(at: string | number | Date): string {
  return DAY.format(new Date(at));
}

/** 75 → 1:15, 3675 → 1:01:15. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const pad = (n: number) => String(n).padStart(2, "0");
  return h ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** The present, renewed every second: one timer for the whole page. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    ticking.add(setNow);
    timer ??= setInterval(() => ticking.forEach((tell) => tell(Date.now())), 1000);
    return () => {
      ticking.delete(setNow);
      if (!ticking.size) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}
const ticking = new Set<(now: number) => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** How long since a moment, counting on. */
export function Since({ at }: { at: string | null | undefined }) {
  const now = useNow();
  if (!at) return null;
  return <span className="tabular">{duration((now - Date.parse(at)) / 1000)}</span>;
}
