// The half of a sentence in two languages, and sentences that are no such thing.
import i18n from "i18next";
import { afterEach, expect, it } from "vitest";

import { half } from "./half";

afterEach(() => i18n.changeLanguage("zh-CN"));

it("is that of the page's language", async () => {
  await i18n.init({ lng: "zh-CN", resources: {} });
  expect(half("文件是空的 / the file is empty")).toBe("文件是空的");
  await i18n.changeLanguage("en");
  expect(half("文件是空的 / the file is empty")).toBe("the file is empty");
});

it("leaves other sentences as they are", async () => {
  await i18n.init({ lng: "zh-CN", resources: {} });
  expect(half("no elder has this id")).toBe("no elder has this id");
  expect(half("either / or")).toBe("either / or");
});
