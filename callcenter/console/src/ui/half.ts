// A server's sentence that is said in Chinese and English, with " / " between: the half of the page's language.
import i18n from "i18next";

export function half(text: string): string {
  const [chinese, english, ...more] = text.split(" / ");
  if (!chinese || !english || more.length || !/[\u4e00-\u9fff]/.test(chinese)) return text;
  return i18n.language === "en" ? english : chinese;
}
