import react from "@vitejs/plugin-react";
import { loadEnv } from "vite";
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  base: "/ui/",
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // The files are committed: no maps, and names that change only with their content.
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  // A page under work speaks to the service at LEADS_ADDRESS, by default that of `./leads up`.
  server: {
    proxy: { "/v1": loadEnv(mode, ".", "LEADS_").LEADS_ADDRESS ?? "http://127.0.0.1:8080" },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
}));
