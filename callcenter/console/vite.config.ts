// How the console is built: one page below /console/, in parts that are fetched when they are needed.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/console/",
  plugins: [react()],
  build: {
    outDir: process.env.CONSOLE_OUT ?? "dist",
    // A page that was opened before an upgrade goes on fetching its own parts; the set-up deletes them after a month.
    emptyOutDir: false,
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      output: {
        // What hardly ever changes lies apart, so that a new release does not fetch it again.
        manualChunks: { react: ["react", "react-dom", "react-router-dom"], sip: ["jssip"] },
      },
    },
  },
  server: {
    proxy: { "/api": { target: "http://127.0.0.1:8000", ws: true } },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
});
