// What becomes of hotline callers: queues, voice menus, prompts and holidays (B1, B7).
import { Tabs } from "antd";
import { useTranslation } from "react-i18next";

import { HolidaysTab } from "./HolidaysTab";
import { MenusTab } from "./menus/MenusTab";
import { PromptsTab } from "./PromptsTab";
import { QueuesTab } from "./QueuesTab";

export default function QueuesPage() {
  const { t } = useTranslation("supervisor");
  return (
    <Tabs
      destroyOnHidden
      items={[
        { key: "queues", label: t("queues.title"), children: <QueuesTab /> },
        { key: "menus", label: t("queues.menus"), children: <MenusTab /> },
        { key: "prompts", label: t("queues.prompts"), children: <PromptsTab /> },
        { key: "holidays", label: t("queues.holidays"), children: <HolidaysTab /> },
      ]}
    />
  );
}
