// A note as it is typed, and whether each letter of it is safe.
import { Input, type InputRef } from "antd";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import { useKeys } from "./keys";
import { useNote, type Subject } from "./notes";

interface Props {
  subject: Subject;
  id: string;
  stored: { text: string; revision: number } | undefined;
  rows?: number;
  placeholder?: string;
}

/** How many characters the server takes. */
const MOST = 10_000;
const CLASS = { saved: "good", waiting: "quiet", saving: "quiet", offline: "warn", refused: "bad" } as const;

export function NoteBox({ subject, id, stored, rows = 5, placeholder }: Props) {
  const { t } = useTranslation("desk");
  const note = useNote(subject, id, stored);
  // What does not fit is said, and stays in the box: a letter that vanishes as it is typed is a letter lost.
  const over = [...note.text].length - MOST;
  const box = useRef<InputRef>(null);
  useKeys([{ keys: ["Alt+N"], name: "note", act: () => (box.current as { focus(): void } | null)?.focus() }]);
  return (
    <div>
      <Input.TextArea
        ref={box as never}
        aria-label={t("note.label")}
        data-testid="note"
        rows={rows}
        value={note.text}
        placeholder={placeholder ?? t("note.placeholder")}
        onChange={({ target }) => note.type(target.value)}
      />
      <div className={CLASS[note.state]} role="status" data-testid="note-state" data-state={note.state} style={{ fontSize: 12, minHeight: 18 }}>
        {(note.text || note.state !== "saved") && t(note.state === "refused" && over > 0 ? "note.tooLong" : `note.${note.state}`, { count: over })} {note.joined && t("note.joined")}
      </div>
    </div>
  );
}
