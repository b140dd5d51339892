// Day and night: Ant Design's tokens for both, and which of them is on.
import { theme as antd, type ThemeConfig } from "antd";
import { create } from "zustand";

export type ThemeName = "light" | "dark";

const KEY = "callcenter.theme";

function first(): ThemeName {
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") return kept;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export const useTheme = create<{ name: ThemeName }>(() => ({ name: first() }));

function show(name: ThemeName): void {
  document.documentElement.dataset.theme = name;
}
show(useTheme.getState().name);

/** Change between day and night, and remember it for this browser. */
export function switchTheme(): void {
  const name = useTheme.getState().name === "light" ? "dark" : "light";
  localStorage.setItem(KEY, name);
  show(name);
  useTheme.setState({ name });
}

const shared = { borderRadius: 6, fontSize: 14, fontFamily: "inherit" };

export const THEMES: Record<ThemeName, ThemeConfig> = {
  light: {
    token: {
      ...shared,
      colorPrimary: "#0b5cab",
      colorLink: "#0b5cab",
      colorError: "#a40e26",
      colorWarning: "#8a4b00",
      colorSuccess: "#116329",
      colorErrorBg: "#ffebe9",
      colorErrorBorder: "#ffc1bc",
      colorWarningBg: "#fff3d6",
      colorWarningBorder: "#eac54f",
      colorSuccessBg: "#dafbe1",
      colorSuccessBorder: "#aceebb",
      colorTextSecondary: "#444c56",
      colorTextTertiary: "#57606a",
      colorTextPlaceholder: "#656d76",
    },
  },
  dark: {
    algorithm: antd.darkAlgorithm,
    token: {
      ...shared,
      colorPrimary: "#3d8fe0",
      colorLink: "#6cb6ff",
      colorError: "#ff7b72",
      colorWarning: "#e3b341",
      colorSuccess: "#56d364",
      colorBgBase: "#10151c",
      colorTextSecondary: "#b6c0cb",
      colorTextTertiary: "#9aa4af",
      colorTextPlaceholder: "#8b949e",
    },
    components: {
      // White on the button and the colour on the ground both need 4.5:1, which one blue cannot give.
      Button: { colorPrimary: "#2b6cb0", colorPrimaryHover: "#3478be", colorPrimaryActive: "#245a94", defaultHoverColor: "#6cb6ff", defaultActiveColor: "#6cb6ff" },
      Form: { colorError: "#ff7b72" },
      Tabs: { itemSelectedColor: "#6cb6ff", itemHoverColor: "#6cb6ff", itemActiveColor: "#6cb6ff", inkBarColor: "#6cb6ff" },
    },
  },
};
