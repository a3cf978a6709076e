# syntax=docker/dockerfile:1
# Build from the root of the repository: docker build -f deploy/docker/agent.Dockerfile -t millrace-agent .
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-audit --no-fund
COPY . .
RUN node -e "import('./scripts/gen.mjs').then(({ generate }) => generate())" \
  && npm run build \
  && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
# The Vulkan loader and Mesa's drivers (AMD, Intel, and the software driver) from backports: bookworm's own are too old
# for Dawn. NVIDIA's driver comes from the host through its container runtime, and needs the X libraries to load.
RUN echo "deb http://deb.debian.org/debian bookworm-backports main" > /etc/apt/sources.list.d/backports.list \
  && apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates tini libvulkan1 libx11-6 libxext6 libegl1 \
  && apt-get install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 millrace \
  && useradd --uid 10001 --gid millrace --home-dir /var/lib/millrace --create-home --shell /usr/sbin/nologin millrace
WORKDIR /opt/millrace
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY deploy/docker/healthcheck.mjs ./
# MALLOC_ARENA_MAX keeps glibc from holding what GPU threads of earlier runs freed.
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    MILLRACE_HOME=/var/lib/millrace \
    MILLRACE_DATA_PORT=7171 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,graphics,utility
USER 10001:10001
VOLUME /var/lib/millrace
EXPOSE 7171
# An agent listens for other agents as soon as its device is open.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
  CMD ["node", "/opt/millrace/healthcheck.mjs", "agent"]
ENTRYPOINT ["tini", "--", "node", "/opt/millrace/dist/apps/agent/src/main.js"]
