// What keeps a menu from going live, and what to do about it.
import { useTranslation } from "react-i18next";

import type { Schemas } from "../../../api/client";

type Problem = Schemas["ProblemView"];

export function Problems({ of }: { of: Problem[] }) {
  const { t } = useTranslation("supervisor");
  const where = (key: string) => (!key ? "" : key === "otherwise" ? t("queues.otherwise") : `${t("queues.key")} ${key}`);
  return (
    <ul>
      {of.map(({ node, code, text, key, to }) => (
        <li key={`${node} ${code} ${text}`}>
          <b>{[node && `${t("queues.node")} ${node}`, where(key)].filter(Boolean).join(" · ")}</b>{" "}
          {t(`menuProblem.${code}`, { to, defaultValue: text })}
        </li>
      ))}
    </ul>
  );
}
