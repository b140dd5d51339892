// Words in Chinese and English. One file per area and language; keys are `area:words.of.the.thing`.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = ["zh-CN", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const KEY = "callcenter.language";
const files = import.meta.glob<{ default: Record<string, unknown> }>("./*/*.json", { eager: true });
const resources: Record<string, Record<string, Record<string, unknown>>> = {};
for (const [path, file] of Object.entries(files)) {
  const [, language, area] = /\.\/(.+)\/(.+)\.json$/.exec(path) ?? [];
  if (language && area) (resources[language] ??= {})[area] = file.default;
}

void i18next.use(initReactI18next).init({
  resources,
  lng: localStorage.getItem(KEY) ?? "zh-CN",
  fallbackLng: "zh-CN",
  defaultNS: "common",
  showSupportNotice: false,
  interpolation: { escapeValue: false },
});
document.documentElement.lang = i18next.language;

/** Change the page's language, and remember it for this browser. */
export async function speak(language: Language): Promise<void> {
  localStorage.setItem(KEY, language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export { i18next };
