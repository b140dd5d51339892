// What operators look up while somebody waits on the line: policies, services, prices, hospitals (B4).
import { PlusOutlined } from "@ant-design/icons";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, Empty, Input, Segmented, Tag } from "antd";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { query, type Schemas } from "../../api/client";
import { may } from "../../api/session";
import { Loaded } from "../../ui/Loaded";
import { ArticleForm } from "./ArticleForm";
import { ArticleView } from "./ArticleView";
import { Marked } from "./Marked";
import styles from "./knowledge.module.css";

type Category = Schemas["Category"];
export const CATEGORIES: Category[] = ["policy", "service", "price", "hospital", "organisation", "other"];

export default function KnowledgePage() {
  const { t } = useTranslation("knowledge");
  const [text, setText] = useState("");
  const [category, setCategory] = useState<Category | "all">("all");
  const [chosen, setChosen] = useState<string | null>(null);
  const [creating, setCreating] = useState(false);
  const asked = useDeferredValue(text.trim());
  const found = useQuery({
    ...query("/api/v1/knowledge", {
      params: { query: { ...(asked && { query: asked }), ...(category !== "all" && { category }), limit: 100 } },
    }),
    placeholderData: keepPreviousData,
  });
  return (
    <section aria-label={t("title")} className={styles.page}>
      <div className={styles.side}>
        <div className={styles.tools}>
          <Input.Search
            autoFocus
            allowClear
            aria-label={t("search")}
            placeholder={t("search")}
            value={text}
            maxLength={200}
            onChange={(event) => setText(event.target.value)}
          />
          {may("knowledge:write") && (
            <Button icon={<PlusOutlined />} aria-label={t("new")} title={t("new")} onClick={() => setCreating(true)} />
          )}
        </div>
        <Segmented
          size="small"
          value={category}
          onChange={setCategory}
          options={[{ value: "all" as const, label: t("all") }, ...CATEGORIES.map((value) => ({ value, label: t(`category.${value}`) }))]}
        />
        <div className={styles.list}>
          <Loaded of={found} empty={(page) => !page.items.length} emptyText={asked ? t("none", { query: asked }) : undefined}>
            {(page) =>
              page.items.map((article) => (
                <button
                  key={article.id}
                  type="button"
                  className={article.id === chosen ? `${styles.item} ${styles.chosen}` : styles.item}
                  aria-pressed={article.id === chosen}
                  onClick={() => setChosen(article.id)}
                >
                  <b>{article.title}</b> <Tag>{t(`category.${article.category}`)}</Tag>
                  {article.state !== "published" && <Tag color="warning">{t(`state.${article.state}`)}</Tag>}
                  {article.snippet && (
                    <div className="quiet">
                      <Marked text={article.snippet.text} matches={article.snippet.matches} />
                    </div>
                  )}
                </button>
              ))
            }
          </Loaded>
        </div>
      </div>
      <div className={styles.main}>
        {chosen ? <ArticleView key={chosen} id={chosen} /> : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("choose")} />}
      </div>
      {creating && <ArticleForm article={null} close={(id) => (setCreating(false), id && setChosen(id))} />}
    </section>
  );
}
