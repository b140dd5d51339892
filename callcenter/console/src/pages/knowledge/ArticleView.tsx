// One article, who wrote it when, and its earlier versions.
import { useQuery } from "@tanstack/react-query";
import { Button, Select, Space, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import Markdown from "react-markdown";

import { query } from "../../api/client";
import { may } from "../../api/session";
import { Loaded } from "../../ui/Loaded";
import { moment } from "../../ui/time";
import { ArticleForm } from "./ArticleForm";
import styles from "./knowledge.module.css";

export function ArticleView({ id }: { id: string }) {
  const { t } = useTranslation("knowledge");
  const [editing, setEditing] = useState(false);
  const [version, setVersion] = useState<number | null>(null);
  const found = useQuery(query("/api/v1/knowledge/{id}", { params: { path: { id } } }));
  const versions = useQuery({ ...query("/api/v1/knowledge/{id}/versions", { params: { path: { id } } }), enabled: may("knowledge:write") });
  return (
    <Loaded of={found}>
      {(article) => {
        const shown = versions.data?.items.find((one) => one.version === version) ?? article;
        const at = "at" in shown ? shown.at : shown.updated_at;
        return (
          <article>
            <Space wrap style={{ float: "right" }}>
              {(versions.data?.items.length ?? 0) > 1 && (
                <Select
                  aria-label={t("versions")}
                  value={version ?? article.version}
                  onChange={setVersion}
                  options={versions.data?.items.map((one) => ({
                    value: one.version,
                    label: `${t("version", { version: one.version })} · ${one.author} · ${moment(one.at)}`,
                  }))}
                />
              )}
              {may("knowledge:write") && <Button onClick={() => setEditing(true)}>{t("edit")}</Button>}
            </Space>
            <h1 style={{ fontSize: 20, margin: "0 0 4px" }}>{shown.title}</h1>
            <p className="quiet">
              <Tag>{t(`category.${shown.category}`)}</Tag>
              {shown.state !== "published" && <Tag color="warning">{t(`state.${shown.state}`)}</Tag>}
              {t("by", { author: shown.author, version: shown.version, at: moment(at) })}
              {shown.tags.map((tag) => (
                <Tag key={tag} style={{ marginInlineStart: 6 }}>
                  {tag}
                </Tag>
              ))}
            </p>
            {/* Nothing in the text acts: raw HTML is shown as text, and pictures from elsewhere the page's policy refuses. */}
            <div className={styles.body}>
              <Markdown skipHtml>{shown.body}</Markdown>
            </div>
            {editing && <ArticleForm article={article} close={() => setEditing(false)} />}
          </article>
        );
      }}
    </Loaded>
  );
}
