// The other language, named as those who read it name it.
import { Button } from "antd";
import { useTranslation } from "react-i18next";

import { speak, type Language } from "../i18n";

const OTHER: Record<Language, { language: Language; name: string }> = {
  "zh-CN": { language: "en", name: "English" },
  en: { language: "zh-CN", name: "中文" },
};

export function LanguageButton() {
  const { language, name } = OTHER[useTranslation().i18n.language === "en" ? "en" : "zh-CN"];
  return (
    <Button type="text" size="small" lang={language} data-testid="language" onClick={() => void speak(language)}>
      {name}
    </Button>
  );
}
