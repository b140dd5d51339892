// Where she is: the registered address with how to get in, and where her terminal was last, how long ago, how exactly.
import { lazy, Suspense } from "react";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { query } from "../../../api/client";
import { ErrorBoundary } from "../../../app/ErrorBoundary";
import { duration, useNow } from "../../../ui/time";
import styles from "./Emergency.module.css";
import type { InNeed } from "./person";

const Map = lazy(() => import("./Map"));
const OLD_SECONDS = 600;

export function Where({ person }: { person: InNeed }) {
  const { t } = useTranslation("desk");
  const config = useQuery({ ...query("/api/v1/console/config"), staleTime: Infinity });
  const { location, elder } = person;
  const place = location?.registered ?? elder;
  const fix = location?.fix;
  const home = place?.latitude != null && place.longitude != null ? ([place.latitude, place.longitude] as const) : null;
  const now = fix ? ([fix.latitude, fix.longitude] as const) : null;
  const tiles = config.data?.map_tiles;
  return (
    <section className={styles.card} aria-label={t("emergency.where")}>
      <h3>{t("emergency.where")}</h3>
      <div className={styles.address}>{place?.address || t("emergency.noAddress")}</div>
      <dl className={styles.facts}>
        {place?.door_code && (
          <>
            <dt>{t("emergency.door")}</dt>
            <dd className={styles.code}>{place.door_code}</dd>
          </>
        )}
        {(place?.key_holder_name || place?.key_holder_phone) && (
          <>
            <dt>{t("emergency.key")}</dt>
            <dd>
              {place.key_holder_name} <span className="tabular">{place.key_holder_phone}</span>
            </dd>
          </>
        )}
        <dt>{t("emergency.position")}</dt>
        <dd>{fix ? <FixLine at={fix.at} accuracy={fix.accuracy_m} away={fix.distance_m} battery={fix.battery} /> : t("emergency.noFix")}</dd>
      </dl>
      {location?.map_link && (
        <a href={location.map_link} target="_blank" rel="noreferrer">
          {t("emergency.openMap")}
        </a>
      )}
      {tiles && (home || now) && (
        <ErrorBoundary>
          <Suspense fallback={null}>
            <Map tiles={tiles} home={home} fix={now} accuracy={fix?.accuracy_m ?? null} />
          </Suspense>
        </ErrorBoundary>
      )}
    </section>
  );
}

function FixLine({ at, accuracy, away, battery }: { at: string; accuracy: number | null; away: number | null; battery: number | null }) {
  const { t } = useTranslation("desk");
  const seconds = (useNow() - Date.parse(at)) / 1000;
  return (
    <span>
      <span className={seconds > OLD_SECONDS ? "warn" : "good"}>{t("emergency.fixAge", { age: duration(seconds) })}</span>
      {accuracy !== null && ` · ${t("emergency.accuracy", { metres: Math.round(accuracy) })}`}
      {away !== null && ` · ${t("emergency.fromHome", { metres: Math.round(away) })}`}
      {battery !== null && ` · ${t("emergency.battery", { battery })}`}
    </span>
  );
}
