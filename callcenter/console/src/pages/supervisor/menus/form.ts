// A menu as the form holds it (lists, which can be added to) and as the API does (maps by name and key).
import type { Schemas } from "../../../api/client";

type Node = Schemas["NodeInput"];
type Action = Schemas["ActionInput"];

/** What has to be said where it leads to; of the others there is only one. */
export const NAMED: ReadonlySet<Action["do"]> = new Set(["node", "queue", "message", "number"] as const);
const led = ({ do: done, to }: Action): Action => ({ do: done, to: NAMED.has(done) ? to : "" });

export interface MenuForm {
  name: string;
  root: string;
  nodes: (Omit<Node, "choices"> & { name: string; choices: (Action & { key: string })[] })[];
}

export function asForm(menu: Pick<Schemas["MenuView"], "name" | "root" | "nodes">): MenuForm {
  return {
    name: menu.name,
    root: menu.root,
    nodes: Object.entries(menu.nodes).map(([name, node]) => ({
      ...node,
      name,
      choices: Object.entries(node.choices ?? {}).map(([key, action]) => ({ ...action, key })),
    })),
  };
}

export function asMenu(form: MenuForm): Schemas["MenuInput"] {
  return {
    name: form.name,
    line: "hotline",
    root: form.root,
    nodes: Object.fromEntries(
      form.nodes.map(({ name, choices, otherwise, ...node }) => [
        name,
        { ...node, otherwise: led(otherwise), choices: Object.fromEntries(choices.map(({ key, ...action }) => [key, led(action)])) },
      ]),
    ),
  };
}
