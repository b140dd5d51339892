// Who is in need: name, age, what a doctor must know, and whom she has.
import { Avatar, Skeleton, Tag } from "antd";
import { useTranslation } from "react-i18next";

import styles from "./Emergency.module.css";
import type { EmergencyActions } from "./actions";
import { age, type InNeed } from "./person";
import type { Emergency, HelpRole } from "../shapes";

export function Who({ one, person }: { one: Emergency; person: InNeed }) {
  const { t } = useTranslation("desk");
  const { elder } = person;
  const years = age(elder?.birth_date);
  const name = one.elder_name || t("unknownCaller");
  return (
    <section className={styles.card} aria-label={t("emergency.who")}>
      <div className={styles.person}>
        <Avatar size={56} shape="square" aria-hidden>
          {name.slice(0, 1)}
        </Avatar>
        <div>
          <div className={styles.name}>{name}</div>
          <div className="quiet">
            {[elder?.sex && t(`sex.${elder.sex}`), years !== null && t("years", { years }), one.area || elder?.area].filter(Boolean).join(" · ")}
          </div>
          <div className="tabular">{one.caller || t("noNumber")}</div>
        </div>
      </div>
      {elder && elder.groups.length > 0 && (
        <div className={styles.tags}>
          {elder.groups.map((group) => (
            <Tag key={group}>{group}</Tag>
          ))}
        </div>
      )}
      {person.loading && <Skeleton active title={false} paragraph={{ rows: 2 }} />}
      {person.fileMissing && <p className="warn">{t("emergency.fileMissing")}</p>}
      {!one.elder_id && <p className="warn">{t("emergency.unknown")}</p>}
      {elder?.medical_notes && (
        <div className={styles.medical}>
          <h3>{t("emergency.medical")}</h3>
          <p>{elder.medical_notes}</p>
        </div>
      )}
    </section>
  );
}

/** Her people by role, each to be called or texted singly. */
export function Contacts({ person, actions, busy }: { person: InNeed; actions: EmergencyActions; busy: boolean }) {
  const { t } = useTranslation("desk");
  if (!person.contacts.length) return null;
  return (
    <section className={styles.card} aria-label={t("emergency.contacts")}>
      <h3>{t("emergency.contacts")}</h3>
      <ul className={styles.contacts}>
        {person.contacts.map(({ role, name, phone }) => (
          <li key={role + phone}>
            <span className="quiet">{t(`roles.${role}`)}</span>
            <span>{name}</span>
            <button
              type="button"
              className={styles.number}
              disabled={busy || actions.busy.has(`help:${phone}`)}
              title={t("emergency.callThis")}
              aria-label={t("emergency.callName", { name, phone })}
              onClick={() => void actions.help(role as HelpRole, phone)}
            >
              {phone}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
