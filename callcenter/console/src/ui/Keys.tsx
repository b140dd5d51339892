// A key as a visible hint.
import styles from "./Keys.module.css";

export function Keys({ of }: { of: string }) {
  return (
    <kbd className={styles.key} aria-hidden>
      {of}
    </kbd>
  );
}
