// Everything that waits to be done, whatever way it came in (B5): requests, call-backs, messages, follow-ups, orders.
import { useQuery } from "@tanstack/react-query";
import { Badge, Tabs } from "antd";
import { useTranslation } from "react-i18next";

import { query } from "../../api/client";
import { CallBacksTab } from "./CallBacksTab";
import { ComplaintsTab } from "./ComplaintsTab";
import { FollowUpsTab } from "./FollowUpsTab";
import { IntakeTab } from "./IntakeTab";
import { OrdersTab } from "./OrdersTab";
import { VoicemailsTab } from "./VoicemailsTab";


export default function WorkPage() {
  const { t } = useTranslation("work");
  const mine = useQuery({ ...query("/api/v1/work/mine"), refetchInterval: 60_000 }).data;
  const tabs = [
    { key: "intake", children: <IntakeTab />, pile: mine?.intake },
    { key: "callbacks", children: <CallBacksTab />, pile: mine?.callbacks },
    { key: "voicemails", children: <VoicemailsTab />, pile: mine?.voicemails },
    { key: "followUps", children: <FollowUpsTab />, pile: mine?.follow_ups },
    { key: "orders", children: <OrdersTab />, pile: mine?.work_orders },
    { key: "complaints", children: <ComplaintsTab />, pile: mine?.complaints },
  ];
  return (
    <Tabs
      destroyOnHidden
      items={tabs.map(({ key, children, pile }) => ({
        key,
        children,
        label: (
          <>
            {t(`tab.${key}`)}{" "}
            <Badge count={pile?.count ?? 0} overflowCount={999} color={pile?.late ? "var(--bad)" : "var(--quiet)"} title={pile?.late ? t("late", { count: pile.late }) : undefined} />
          </>
        ),
      }))}
    />
  );
}
