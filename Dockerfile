# syntax=docker/dockerfile:1

# The same Debian and Node in both stages, so that native packages built for one run in the other.
ARG NODE=node:24-bookworm-slim

FROM ${NODE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The image has its own Node and ffmpeg: no install script has to run, and the packaged ffmpeg stays out.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node_modules/.bin/tsc -p tsconfig.build.json \
 && npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
 && rm -rf node_modules/@ffmpeg-installer node_modules/@ffprobe-installer

FROM ${NODE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ffmpeg \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/sluice
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY README.md LICENSE ./
RUN chmod +x dist/cli/main.js && ln -s /opt/sluice/dist/cli/main.js /usr/local/bin/sluice \
 && install -d -o node -g node /data

USER node
WORKDIR /data
ENV NODE_ENV=production SLUICE_STORE=/data/sluice-store
VOLUME /data
ENTRYPOINT ["sluice"]
CMD ["--help"]
