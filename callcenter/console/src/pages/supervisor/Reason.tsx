// Why a seat is paused: one of the desk's own reasons, or somebody's own words.
import { useTranslation } from "react-i18next";

export function Reason({ of }: { of: string }) {
  const { t } = useTranslation();
  return <>{of && t(`desk:pause.${of}`, { defaultValue: of })}</>;
}
