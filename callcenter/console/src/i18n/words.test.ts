// Every word is there in both languages, and every key the pages ask for is a word.
import { describe, expect, it } from "vitest";

import { LANGUAGES } from ".";

type Tree = { [key: string]: Tree | string };
const files = import.meta.glob<{ default: Tree }>("./*/*.json", { eager: true });
const sources = import.meta.glob<string>("../**/*.{ts,tsx}", { eager: true, query: "?raw", import: "default" });
const PLURAL = /_(one|other)$/;

/** `area:a.b` → text of one language. */
function words(language: string): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (prefix: string, tree: Tree | string) => {
    if (typeof tree === "string") found.set(prefix.replace(PLURAL, ""), tree);
    else for (const [key, part] of Object.entries(tree)) walk(prefix.endsWith(":") ? prefix + key : `${prefix}.${key}`, part);
  };
  for (const [path, { default: tree }] of Object.entries(files)) {
    const [, spoken, area] = /\.\/(.+)\/(.+)\.json$/.exec(path) ?? [];
    if (spoken === language) walk(`${area}:`, tree);
  }
  return found;
}

const [chinese, english] = LANGUAGES.map(words) as [Map<string, string>, Map<string, string>];

/** What `{{…}}` stands in a text, in any order. */
const blanks = (text = "") => [...text.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name).sort();

describe("words", () => {
  it("are the same in both languages", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });

  it("are never empty and have the same blanks to fill", () => {
    for (const [key, text] of chinese) {
      expect([key, text.trim() !== "", english.get(key)?.trim() !== ""]).toEqual([key, true, true]);
      expect([key, blanks(english.get(key))]).toEqual([key, blanks(text)]);
    }
  });

  it("of Chinese are Chinese, of English are not", () => {
    const wrong = [...english].filter(([key, text]) => /\p{Script=Han}/u.test(text) && !key.startsWith("common:language"));
    expect(wrong).toEqual([]);
  });

  it("that a page asks for exist", () => {
    const missing: string[] = [];
    for (const [path, source] of Object.entries(sources)) {
      if (path.includes(".test.")) continue;
      const areas = [...source.matchAll(/useTranslation\(\s*"(\w+)"/g)].map(([, area]) => area ?? "");
      const known = (key: string, whole: boolean) =>
        (key.includes(":") ? [key] : [...areas, "common"].map((area) => `${area}:${key}`)).some((name) =>
          whole ? chinese.has(name) : [...chinese.keys()].some((word) => word.startsWith(name)),
        );
      for (const [, key] of source.matchAll(/\bt\(\s*"([^"]+)"/g)) if (key && !known(key, true)) missing.push(`${path} ${key}`);
      for (const [, stem] of source.matchAll(/\bt\(\s*`([^`$]+)\$\{/g)) if (stem && !known(stem, false)) missing.push(`${path} ${stem}…`);
    }
    expect(missing).toEqual([]);
  });
});
