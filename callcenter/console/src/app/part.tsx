// A page is a part of the program that is fetched when it is first shown; that can fail.
import { Alert, Button } from "antd";
import { lazy, type ComponentType, type LazyExoticComponent } from "react";
import { useTranslation } from "react-i18next";

/** The network is away, or the centre was upgraded and the part is called otherwise now. */
export class MissingPart extends Error {}

export function part(load: () => Promise<{ default: ComponentType }>): LazyExoticComponent<ComponentType> {
  return lazy(() =>
    load().catch((error: unknown) => {
      throw new MissingPart(String(error));
    }),
  );
}

/** Only loading the whole page helps, which would cut a call: whoever sits there chooses the moment. */
export function PartIsMissing() {
  const { t } = useTranslation();
  return (
    <div style={{ padding: 24 }}>
      <Alert
        type="error"
        showIcon
        title={t("state.missingPart")}
        action={
          <Button size="small" onClick={() => location.reload()}>
            {t("action.reload")}
          </Button>
        }
      />
    </div>
  );
}
