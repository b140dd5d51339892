// The hotline's voice menus: versions, what is wrong with one, and which is live (B1).
import { useMutation, useQuery } from "@tanstack/react-query";
import { App, Button, Space, Table, Tag } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, ApiError, call, query, type Schemas } from "../../../api/client";
import { queries } from "../../../live/queries";
import { Loaded } from "../../../ui/Loaded";
import { moment } from "../../../ui/time";
import { why } from "../../../ui/why";
import styles from "../supervisor.module.css";
import { MenuEditor } from "./MenuEditor";
import { Problems } from "./Problems";

export type Menu = Schemas["MenuView"];
type Problem = Schemas["ProblemView"];
const COLOURS = { draft: "warning", live: "success", retired: "default" } as const;

export function MenusTab() {
  const { t } = useTranslation("supervisor");
  const { message, modal } = App.useApp();
  const live = useQuery(query("/api/v1/menus/live"));
  const found = useQuery(query("/api/v1/menus"));
  const [edited, setEdited] = useState<Menu | null>(null);
  const show = (problems: Problem[]) =>
    problems.length
      ? modal.warning({ width: 640, title: t("queues.problems", { count: problems.length }), content: <Problems of={problems} /> })
      : modal.success({ title: t("queues.noProblems") });
  const check = async (menu: Menu) => {
    show((await call(api.POST("/api/v1/menus/{id}/check", { params: { path: { id: menu.id } } }))).problems);
  };
  const act = useMutation({
    mutationFn: async ({ menu, what }: { menu: Menu; what: "check" | "publish" | "copy" }) => {
      const path = { params: { path: { id: menu.id } } };
      if (what === "check") await check(menu);
      else if (what === "publish") await call(api.POST("/api/v1/menus/{id}/publish", path));
      else setEdited(await call(api.POST("/api/v1/menus/{id}/copy", path)));
    },
    onSuccess: () => void queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith("/api/v1/menus") }),
    onError: (error, { menu, what }) => {
      if (what === "publish" && error instanceof ApiError && error.code === "menu_has_problems") void check(menu);
      else void message.error(why(error));
    },
  });
  return (
    <>
      <div className={styles.toolbar}>
        <h1>{t("queues.menus")}</h1>
      </div>
      <Loaded of={found}>
        {(page) => (
          <Table
            size="small"
            rowKey="id"
            pagination={false}
            dataSource={[...page.items, ...(live.data?.id === "built-in" ? [live.data] : [])]}
            columns={[
              { title: t("queues.name"), render: (_, menu) => (menu.id === "built-in" ? t("queues.builtIn") : menu.name) },
              { title: t("queues.version"), dataIndex: "version", align: "right" },
              { title: t("queues.state"), render: (_, menu) => <Tag color={COLOURS[menu.state]}>{t(`queues.${menu.state}`)}</Tag> },
              { title: t("queues.node"), align: "right", render: (_, menu) => Object.keys(menu.nodes).length },
              {
                title: t("queues.published"),
                render: (_, menu) => menu.published_at && `${moment(menu.published_at)} ${menu.published_by}`,
              },
              {
                key: "actions",
                render: (_, menu) => (
                  <Space>
                    {menu.state === "draft" && (
                      <>
                        <Button size="small" onClick={() => setEdited(menu)}>
                          {t("queues.edit_menu")}
                        </Button>
                        <Button size="small" onClick={() => act.mutate({ menu, what: "check" })}>
                          {t("queues.check")}
                        </Button>
                        <Button
                          size="small"
                          type="primary"
                          onClick={() => void modal.confirm({ title: `${t("queues.publish")}?`, onOk: () => act.mutateAsync({ menu, what: "publish" }).catch(() => undefined) })}
                        >
                          {t("queues.publish")}
                        </Button>
                      </>
                    )}
                    <Button size="small" onClick={() => act.mutate({ menu, what: "copy" })}>
                      {t("queues.copy")}
                    </Button>
                  </Space>
                ),
              },
            ]}
          />
        )}
      </Loaded>
      {edited && <MenuEditor key={edited.id} menu={edited} close={() => setEdited(null)} />}
    </>
  );
}
