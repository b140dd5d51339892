// The knowledge base beside a call: searched as one types, the place that answers marked.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, Input, type InputRef } from "antd";
import { useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { query, type Schemas } from "../../../api/client";
import { Keys } from "../../../ui/Keys";
import { Loaded } from "../../../ui/Loaded";
import { moment } from "../../../ui/time";
import styles from "../desk.module.css";
import { useKeys } from "../keys";
import { useRested } from "./ElderSearch";

export function Knowledge() {
  const { t } = useTranslation("desk");
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const words = useRested(typed.trim());
  const box = useRef<InputRef>(null);
  useKeys([{ keys: ["Alt+B"], name: "knowledge", act: () => box.current?.focus() }]);
  const found = useQuery({
    ...query("/api/v1/knowledge", { params: { query: { limit: 10, ...(words ? { query: words } : {}) } } }),
    placeholderData: keepPreviousData,
  });
  return (
    <section className={styles.pane} aria-label={t("knowledge.title")}>
      <h3>
        {t("knowledge.title")}
        <Keys of="Alt+B" />
      </h3>
      <Input.Search
        ref={box}
        allowClear
        value={typed}
        loading={found.isFetching}
        placeholder={t("knowledge.hint")}
        aria-label={t("knowledge.title")}
        onChange={({ target }) => {
          setTyped(target.value);
          setOpen(null);
        }}
      />
      {open ? (
        <Whole id={open} back={() => setOpen(null)} />
      ) : (
        <Loaded of={found} empty={({ items }) => !items.length} emptyText={t("knowledge.nothing")}>
          {({ items }) => (
            <ul className={styles.rows}>
              {items.map((one) => (
                <li key={one.id} style={{ display: "block" }}>
                  <button type="button" className={styles.link} onClick={() => setOpen(one.id)}>
                    {one.title}
                  </button>{" "}
                  <span className="quiet">{t(`knowledge.${one.category}`)}</span>
                  {one.snippet && <Marked of={one.snippet} />}
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      )}
    </section>
  );
}

function Marked({ of: { text, matches } }: { of: Schemas["SnippetView"] }) {
  const parts: ReactNode[] = [];
  let at = 0;
  for (const [from, to] of matches as [number, number][]) {
    parts.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  return (
    <div className={styles.snippet}>
      {parts}
      {text.slice(at)}
    </div>
  );
}

function Whole({ id, back }: { id: string; back: () => void }) {
  const { t } = useTranslation("desk");
  const article = useQuery(query("/api/v1/knowledge/{id}", { params: { path: { id } } }));
  return (
    <Loaded of={article}>
      {(one) => (
        <article style={{ marginTop: 8 }}>
          <Button size="small" onClick={back}>
            ← {t("knowledge.back")}
          </Button>
          <h3 style={{ marginTop: 8 }}>{one.title}</h3>
          <div className={styles.article}>{one.body}</div>
          <p className="quiet">{t("knowledge.by", { author: one.author, at: moment(one.updated_at), version: one.version })}</p>
        </article>
      )}
    </Loaded>
  );
}
