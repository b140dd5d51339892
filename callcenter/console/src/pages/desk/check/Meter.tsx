// How loud one is, drawn without React: sixty times a second.
import { useEffect, useRef } from "react";

import { phone } from "../../../phone";
import styles from "../desk.module.css";

const LOUD = 0.25;

export function Meter({ label }: { label: string }) {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      const share = Math.min(1, Math.sqrt(phone.level().own / LOUD));
      if (bar.current) bar.current.style.transform = `scaleX(${share.toFixed(3)})`;
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, []);
  return (
    <div className={styles.meter} role="img" aria-label={label}>
      <div ref={bar} />
    </div>
  );
}
