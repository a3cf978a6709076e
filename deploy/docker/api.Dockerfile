# syntax=docker/dockerfile:1
# Build from the root of the repository: docker build -f deploy/docker/api.Dockerfile -t millrace-api .
FROM node:20-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-audit --no-fund
COPY . .
RUN node -e "import('./scripts/gen.mjs').then(({ generate }) => generate())" \
  && npm run build \
  && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates openssl tini \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 millrace \
  && useradd --uid 10001 --gid millrace --home-dir /var/lib/millrace --create-home --shell /usr/sbin/nologin millrace \
  && install --directory --owner millrace --group millrace --mode 0700 /join \
  && ln -s /opt/millrace/bin/millrace.js /usr/local/bin/millrace
WORKDIR /opt/millrace
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/bin ./bin
COPY --from=build /src/dist ./dist
COPY --from=build /src/prisma ./prisma
COPY deploy/docker/api-entrypoint.sh deploy/docker/make-certificates.sh deploy/docker/healthcheck.mjs ./
ENV NODE_ENV=production \
    MILLRACE_HOME=/var/lib/millrace
USER 10001:10001
VOLUME /var/lib/millrace
EXPOSE 7070 7071
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["node", "/opt/millrace/healthcheck.mjs", "api"]
ENTRYPOINT ["tini", "--", "/opt/millrace/api-entrypoint.sh"]
