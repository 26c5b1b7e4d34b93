"""The web UI: src/ is TypeScript, dist/ what `./leads ui` builds of it, site.py serves that."""
