// Every page: where it is, who may see it, and the part of the program that is fetched for it.
import type { ComponentType, LazyExoticComponent } from "react";

import type { Account } from "../api/session";
import { part } from "./part";

export interface Page {
  path: string;
  /** Key in `common:nav`; pages without one are reached from another page. */
  nav?: string;
  /** The permission that its role must hold. */
  needs: string;
  /** Key that opens it together with Alt. */
  key?: string;
  element: LazyExoticComponent<ComponentType>;
}

const desk = () => import("../pages/desk/DeskPage");

/** How long after the desk the map is fetched: it is no part of what an operator waits for at the begin of a shift. */
const MAP_AFTER_MS = 15_000;

/** Fetch in a quiet moment what a ringing call needs at once, and later what only a map needs. Answers how to stop. */
export function fetchAhead(): () => void {
  const quiet = window.requestIdleCallback ?? ((then: () => void) => setTimeout(then, 200));
  let over = false;
  // What cannot be fetched now is fetched, or said to be missing, when it is shown.
  const next = (load: () => Promise<unknown>, then?: () => void) =>
    quiet(() => void (over || load().then(then, () => undefined)));
  next(desk, () => setTimeout(() => next(() => import("../pages/desk/emergency/Map")), MAP_AFTER_MS));
  return () => {
    over = true;
  };
}

/** Whether somebody has a phone here: whoever may do everything is not therefore an operator. */
export function seated(account: Account): boolean {
  return account.role !== "admin" && account.permissions.includes("seats:own");
}

/** The pages of somebody. */
export function pagesOf(account: Account): Page[] {
  return PAGES.filter(({ path, needs }) => account.permissions.includes(needs) && (path !== "desk" || seated(account)));
}

const PAGES: Page[] = [
  { path: "desk", nav: "desk", needs: "seats:own", key: "1", element: part(desk) },
  { path: "work", nav: "work", needs: "work_orders:read", key: "2", element: part(() => import("../pages/work/WorkPage")) },
  { path: "knowledge", nav: "knowledge", needs: "knowledge:read", key: "3", element: part(() => import("../pages/knowledge/KnowledgePage")) },
  { path: "wallboard", nav: "wallboard", needs: "statistics:read", key: "4", element: part(() => import("../pages/supervisor/WallboardPage")) },
  { path: "calls", nav: "calls", needs: "calls:monitor", key: "5", element: part(() => import("../pages/supervisor/CallsPage")) },
  { path: "seats", nav: "seats", needs: "seats:manage", key: "6", element: part(() => import("../pages/supervisor/SeatsPage")) },
  { path: "queues", nav: "queues", needs: "seats:manage", key: "7", element: part(() => import("../pages/supervisor/QueuesPage")) },
  { path: "history", nav: "history", needs: "statistics:read", key: "8", element: part(() => import("../pages/supervisor/HistoryPage")) },
  { path: "admin/*", nav: "admin", needs: "elders:write", key: "9", element: part(() => import("../pages/admin/AdminPage")) },
];
