// Texting address, door code, key holder, notes and place to those who come; to 120 only when confirmed.
import { MessageOutlined } from "@ant-design/icons";
import { App, Button, Dropdown } from "antd";
import { useTranslation } from "react-i18next";

import { HELP, MORE_HELP, type HelpRole } from "../shapes";
import type { EmergencyActions } from "./actions";

export function Briefings({ actions, disabled }: { actions: EmergencyActions; disabled: boolean }) {
  const { t } = useTranslation("desk");
  const { modal, message } = App.useApp();
  const send = async (role: HelpRole) => {
    if (role === "120" && !(await modal.confirm({ title: t("brief.confirm"), content: t("brief.what") }))) return;
    const sent = await actions.brief(role, role === "120");
    if (sent) void message.success(t("brief.sent", { count: sent.items.length, role: t(`roles.${role}`) }));
  };
  return (
    <Dropdown
      disabled={disabled}
      menu={{
        items: [...HELP, ...MORE_HELP].map((role) => ({ key: role, label: t(`roles.${role}`) })),
        onClick: ({ key }) => void send(key as HelpRole),
      }}
    >
      <Button icon={<MessageOutlined />}>{t("brief.title")} ▾</Button>
    </Dropdown>
  );
}
