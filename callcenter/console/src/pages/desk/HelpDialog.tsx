// Every key of the desk.
import { Modal } from "antd";
import { useTranslation } from "react-i18next";

import { Keys } from "../../ui/Keys";
import styles from "./desk.module.css";
import { useDesk } from "./store";

const KEYS: [string, [string, string][]][] = [
  ["emergency", [["Space / Enter / F2", "answer"], ["Alt+1 … Alt+5", "help"], ["Alt+N", "note"], ["Alt+J", "join"], ["Alt+E", "next"], ["Alt+C", "close"], ["Alt+0", "aside"]]],
  [
    "call",
    [
      ["F2", "answer"],
      ["F4", "hangUp"],
      ["F8", "mute"],
      ["F9", "hold"],
      ["Alt+T", "transfer"],
      ["Alt+Y", "complete"],
      ["Alt+U", "cancelTransfer"],
      ["Alt+P", "park"],
      ["Alt+G", "retrieve"],
      ["Alt+K", "keypad"],
      ["Alt+O", "dial"],
    ],
  ],
  ["desk", [["Alt+R", "ready"], ["Alt+W", "wrapUp"], ["Alt+S", "search"], ["Alt+B", "knowledge"], ["Alt+N", "note"], ["Alt+1 … Alt+9", "pages"], ["?", "help_keys"]]],
];

export function HelpDialog() {
  const { t } = useTranslation("desk");
  const set = useDesk((state) => state.set);
  return (
    <Modal open footer={null} title={t("help.title")} onCancel={() => set({ dialog: null })} width={860}>
      <div style={{ display: "grid", gridTemplateColumns: "1fr 1fr 1fr", gap: 20 }}>
        {KEYS.map(([part, keys]) => (
          <section key={part}>
            <h3>{t(`help.${part}`)}</h3>
            <dl className={styles.shortcuts}>
              {keys.map(([key, name]) => (
                <div key={key + name} style={{ display: "contents" }}>
                  <dt>
                    <span style={{ position: "absolute", clip: "rect(0 0 0 0)" }}>{key}</span>
                    <Keys of={key} />
                  </dt>
                  <dd>{t(`keys.${name}`)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
