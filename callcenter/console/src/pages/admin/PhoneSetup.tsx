// How to make a hardware or app phone the account's seat: a new password, as text and as a QR code, shown once.
import { Alert, Button, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, call, type Schemas } from "../../api/client";
import type { Account } from "./StaffTab";
import { useSaved } from "../../ui/useSaved";

type Provisioning = Schemas["Provisioning"];

export function PhoneSetup({ account, close }: { account: Account; close: () => void }) {
  const { t } = useTranslation("admin");
  const [made, setMade] = useState<Provisioning | null>(null);
  const make = useSaved(
    "/api/v1/accounts",
    () => call(api.POST("/api/v1/accounts/{id}/provisioning", { params: { path: { id: account.id } } })),
    setMade,
  );
  return (
    <Modal open title={`${t("staff.phone")} · ${account.user}`} onCancel={close} footer={null} destroyOnHidden>
      {made ? (
        <>
          <Alert type="warning" showIcon title={t("staff.once")} />
          <pre style={{ whiteSpace: "pre-wrap", userSelect: "all" }}>{made.text}</pre>
          <img alt={t("staff.qr")} width={220} src={`data:image/svg+xml;utf8,${encodeURIComponent(made.qr_svg)}`} style={{ background: "#fff", padding: 8 }} />
        </>
      ) : (
        <>
          <p>{t("staff.newSecret")}</p>
          <Button type="primary" loading={make.isPending} onClick={() => make.mutate(undefined)}>
            {t("staff.makeSecret")}
          </Button>
        </>
      )}
    </Modal>
  );
}
