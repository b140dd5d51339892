// Finding an elder by what the caller can say: name, its initials, a number, a street, a code.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, Input } from "antd";
import { useDeferredValue, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import styles from "../desk.module.css";

const PAUSE_MS = 180;

/** A value that has rested for a moment. */
export function useRested<T>(value: T, ms = PAUSE_MS): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return useDeferredValue(rested);
}

export function ElderSearch({ choose }: { choose: (id: string) => void }) {
  const { t } = useTranslation("desk");
  const [typed, setTyped] = useState("");
  const words = useRested(typed.trim());
  const found = useQuery({
    ...query("/api/v1/elders", { params: { query: { query: words, limit: 12 } } }),
    enabled: words.length > 0,
    placeholderData: keepPreviousData,
  });
  return (
    <div style={{ marginTop: 8 }}>
      <Input.Search
        autoFocus
        allowClear
        value={typed}
        loading={found.isFetching}
        placeholder={t("file.searchHint")}
        aria-label={t("file.search")}
        data-testid="elder-search"
        onChange={({ target }) => setTyped(target.value)}
        onPressEnter={() => {
          // Only who was found by what stands there now: the list is a moment behind the typing.
          const [first, ...more] = words === typed.trim() && !found.isPlaceholderData ? (found.data?.items ?? []) : [];
          if (first && !more.length) choose(first.id);
        }}
      />
      {words && (
        <Loaded of={found} empty={({ items }) => !items.length} emptyText={t("file.nobodyFound")}>
          {({ items }) => (
            <ul className={styles.rows}>
              {items.map((one) => (
                <li key={one.id}>
                  <b>{one.name}</b>
                  <span className={styles.fill} title={one.address ?? ""}>
                    {[one.birth_date, one.address].filter(Boolean).join(" · ")}
                  </span>
                  <Button size="small" onClick={() => choose(one.id)}>
                    {t("file.isHer")}
                  </Button>
                </li>
              ))}
            </ul>
          )}
        </Loaded>
      )}
    </div>
  );
}
