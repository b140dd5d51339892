import { expect, test } from "vitest";

import { asForm, asMenu } from "./form";

test("a menu comes out of the form as it went in", () => {
  const menu = {
    name: "热线",
    root: "main",
    nodes: {
      main: {
        prompts: ["menu"],
        again: [],
        choices: { "9": { do: "emergency" as const, to: "" }, "1": { do: "node" as const, to: "more" } },
        otherwise: { do: "queue" as const, to: "" },
        timeout_seconds: 5,
        tries: 3,
      },
    },
  };
  expect(asMenu(asForm(menu))).toEqual({ ...menu, line: "hotline" });
});

test("a name that was chosen for another action is left behind with it", () => {
  const node = { prompts: ["menu"], again: [], choices: { "9": { do: "emergency" as const, to: "general" } }, otherwise: { do: "queue" as const, to: "general" }, timeout_seconds: 5, tries: 3 };
  const { main } = asMenu(asForm({ name: "热线", root: "main", nodes: { main: node } })).nodes;
  expect(main).toEqual({ ...node, choices: { "9": { do: "emergency", to: "" } } });
});
