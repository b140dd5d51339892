import { beforeAll, describe, expect, it } from "vitest";

import { ApiError } from "../api/client";
import { i18next } from "../i18n";
import { why } from "./why";

const refused = (code: string, body: object) => new ApiError(409, code, "in the server's own words", body);

describe("why something was refused", () => {
  beforeAll(() => i18next.changeLanguage("zh-CN"));

  it("is said by its reason, with what it is about", () => {
    expect(why(refused("conflict", { reason: "user_taken", user: "op9" }))).toBe("用户名 op9 已被使用，请换一个");
  });

  it("is said by its code where there is no reason", () => {
    expect(why(refused("precondition_failed", {}))).toContain("别人刚刚改过");
    expect(why(refused("seat_not_free", { user: "op1", state: "talking" }))).toContain("通话中");
  });

  it("names the fields that cannot be used, as the form does, and how they are written", () => {
    const errors = [
      { pointer: "/contacts/0/phone", detail: "String should match pattern '…'" },
      { pointer: "/name", detail: "String should have at most 60 characters" },
    ];
    expect(why(refused("invalid_input", { errors }))).toBe("请检查：电话（请填 11 位手机号，或带区号的座机，如 0512-87654321）；姓名（最多 60 个）");
  });

  it("stays as the server says it where nobody has words for it, in the half of the page's language", () => {
    expect(why(refused("conflict", { reason: "quite_new" }))).toBe("in the server's own words");
    expect(why(new ApiError(409, "conflict", "请重新上传 / upload it again"))).toBe("请重新上传");
    expect(why(new Error("gone"))).toBe("gone");
  });
});
