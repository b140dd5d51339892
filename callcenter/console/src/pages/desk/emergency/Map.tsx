// A map with her home and where her terminal was last. Fetched apart: without it the address stands.
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import styles from "./Emergency.module.css";

type Point = readonly [number, number];

interface Props {
  tiles: string;
  home: Point | null;
  fix: Point | null;
  accuracy: number | null;
}

const ZOOM = 17;

export default function Map({ tiles, home, fix, accuracy }: Props) {
  const { t } = useTranslation("desk");
  const place = useRef<HTMLDivElement>(null);
  const [a, b] = [home?.join(), fix?.join()];
  useEffect(() => {
    if (!place.current) return;
    const map = L.map(place.current, { zoomControl: true, attributionControl: false });
    L.tileLayer(tiles, { maxZoom: 19 }).addTo(map);
    const points: L.LatLngExpression[] = [];
    const mark = (point: Point | null, colour: string, words: string) => {
      if (!point) return;
      const at: L.LatLngTuple = [point[0], point[1]];
      points.push(at);
      L.circleMarker(at, { radius: 8, color: "#fff", weight: 2, fillColor: colour, fillOpacity: 1 }).bindTooltip(words, { permanent: true }).addTo(map);
    };
    mark(home, "#0b5cab", t("emergency.home"));
    mark(fix, "#b3121d", t("emergency.lastFix"));
    if (fix && accuracy) L.circle([fix[0], fix[1]], { radius: accuracy, color: "#b3121d", weight: 1 }).addTo(map);
    if (points.length > 1) map.fitBounds(L.latLngBounds(points), { padding: [24, 24], maxZoom: ZOOM });
    else if (points[0]) map.setView(points[0], ZOOM);
    return () => void map.remove();
    // The points are compared by their values: a position that is read again and is the same moves nothing.
  }, [tiles, a, b, accuracy, t]);
  return <div ref={place} className={styles.map} role="img" aria-label={t("emergency.map")} />;
}
