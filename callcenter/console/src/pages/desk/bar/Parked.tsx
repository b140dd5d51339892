// Callers who wait in a numbered slot, to be fetched by any seat.
import { useQuery } from "@tanstack/react-query";
import { Button, Popover } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call } from "../../../api/client";
import { Loaded } from "../../../ui/Loaded";
import { Keys } from "../../../ui/Keys";
import { Since } from "../../../ui/time";
import styles from "../desk.module.css";
import { useKeys } from "../keys";
import { useSeatActions } from "./actions";

const EVERY_MS = 3_000;

export function Parked() {
  const { t } = useTranslation("desk");
  const [open, setOpen] = useState(false);
  useKeys([{ keys: ["Alt+G"], name: "retrieve", act: () => setOpen((was) => !was) }]);
  return (
    <Popover trigger="click" open={open} onOpenChange={setOpen} placement="bottomRight" title={t("bar.parked")} content={open && <Slots done={() => setOpen(false)} />}>
      <Button size="small">
        {t("bar.parked")}
        <Keys of="Alt+G" />
      </Button>
    </Popover>
  );
}

function Slots({ done }: { done: () => void }) {
  const { t } = useTranslation("desk");
  const actions = useSeatActions();
  const slots = useQuery({
    queryKey: ["desk", "parked"],
    queryFn: async () => {
      const { items } = await call(api.GET("/api/v1/calls", { params: { query: { live: true, limit: 200 } } }));
      return items.filter(({ parked }) => parked !== null);
    },
    refetchInterval: EVERY_MS,
  });
  const fetch = async (id: string) => {
    if (await actions.retrieve(id)) done();
  };
  return (
    <Loaded of={slots} empty={(all) => !all.length} emptyText={t("bar.nobodyParked")}>
      {(all) => (
        <ul className={styles.rows} style={{ minWidth: 300 }}>
          {all.map((one) => (
            <li key={one.id}>
              <b>{one.parked}</b>
              <span className={styles.fill}>{one.elder_name || one.caller}</span>
              <Since at={one.started_at} />
              <Button size="small" type="primary" onClick={() => void fetch(one.id)}>
                {t("bar.retrieve")}
              </Button>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}
