// What the centre consists of: elders, devices, staff and their seats, who cares for them, duty, and bringing all of it in from a file.
import { Tabs } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router-dom";

import { may } from "../../api/session";
import { CareTab } from "./CareTab";
import { DevicesTab } from "./DevicesTab";
import { EldersTab } from "./EldersTab";
import { ImportsTab } from "./ImportsTab";
import { RosterTab } from "./RosterTab";
import { StaffTab } from "./StaffTab";

export default function AdminPage() {
  const { t } = useTranslation("admin");
  const navigate = useNavigate();
  const shown = useParams()["*"] || "elders";
  const tabs = [
    { key: "elders", needs: "elders:read", children: <EldersTab /> },
    { key: "devices", needs: "devices:read", children: <DevicesTab /> },
    { key: "staff", needs: "accounts:read", children: <StaffTab /> },
    { key: "care", needs: "staff:read", children: <CareTab /> },
    { key: "roster", needs: "seats:manage", children: <RosterTab /> },
    { key: "imports", needs: "elders:write", children: <ImportsTab /> },
  ];
  return (
    <Tabs
      destroyOnHidden
      activeKey={shown}
      onChange={(key) => navigate(`/admin/${key}`)}
      items={tabs.filter((tab) => may(tab.needs)).map((tab) => ({ ...tab, label: t(`tab.${tab.key}`) }))}
    />
  );
}
