import { defineConfig } from "vite";

// No plugins. File names carry no hash, so that the committed `dist` changes only where its content does;
// the server sends an ETag instead.
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false,
    rollupOptions: { output: { entryFileNames: "console.js", chunkFileNames: "[name].js", assetFileNames: "[name][extname]" } },
  },
});
