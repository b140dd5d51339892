import { describe, expect, it } from "vitest";

import { join } from "./join";

describe("two notes that grew from one", () => {
  it.each([
    ["", "a", "", "a"],
    ["", "", "b", "b"],
    ["one", "one two", "one", "one two"],
    ["one", "one", "zero one", "zero one"],
    ["abc def", "Xabc def", "abc defY", "Xabc defY"],
    ["abc def", "abc defY", "Xabc def", "Xabc defY"],
    ["fell", "fell in the kitchen", "fell in the kitchen", "fell in the kitchen"],
  ])("%j, ours %j, theirs %j", (base, ours, theirs, both) => expect(join(base, ours, theirs)).toBe(both));

  it("keeps both where both wrote at the same place", () => {
    const both = join("跌倒。", "跌倒。女儿在路上", "跌倒。120 已出发");
    expect(both).toContain("女儿在路上");
    expect(both).toContain("120 已出发");
    expect(both.startsWith("跌倒。")).toBe(true);
  });

  it("loses no letter, whatever both do", () => {
    const words = ["", "a", "ab", "b\nc", "xay", "ayx", "abcabc", "zz"];
    for (const base of words)
      for (const ours of words)
        for (const theirs of words) {
          const both = join(base, ours, theirs);
          const added = (text: string) => [...text].filter((letter) => !base.includes(letter));
          for (const letter of [...added(ours), ...added(theirs)]) expect(both).toContain(letter);
        }
  });
});
