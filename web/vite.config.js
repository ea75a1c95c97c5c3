// Builds the page into the Python package; `npm run dev` serves it, with the studio that runs at port 8340.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { copyFileSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vite'

const out = '../src/ritornello/studio/assets'
// The synthesiser's audio worklet is loaded by the browser as a file of its own.
const processor = 'node_modules/spessasynth_lib/dist/spessasynth_processor.min.js'
const served = '/synth-processor.js'

const synth = {
  name: 'synth',
  configureServer(server) {
    server.middlewares.use(served, (_, response) => {
      response.setHeader('Content-Type', 'text/javascript')
      response.end(readFileSync(processor))
    })
  },
  writeBundle: () => copyFileSync(processor, `${out}/synth-processor.js`),
}

const studio = {
  target: 'http://127.0.0.1:8340',
  changeOrigin: true,
  configure: (proxy) => proxy.on('proxyReq', (request) => request.removeHeader('origin')),
}

export default defineConfig({
  base: './',
  plugins: [synth, svelte()],
  build: {
    outDir: out,
    assetsDir: '',
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': studio, '/soundfont.sf3': studio } },
})
