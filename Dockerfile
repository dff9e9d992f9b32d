# Our two agents as AgentBeats runs them: linux/amd64, an entry point that takes --host, --port and --card-url, and curl for
# the health check. docs/container.md says how to build, push and run them; a test holds what stands here.
#
#   docker build --platform linux/amd64 --target purple -t ghcr.io/OWNER/purple .
#   docker build --platform linux/amd64 --target green -t ghcr.io/OWNER/green .
ARG BASE=node:24.21.0-bookworm-slim

# What `npm pack` would publish: the command, compiled.
FROM --platform=linux/amd64 ${BASE} AS package
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY LICENSE README.md tsconfig.json tsconfig.build.json tsconfig.page.json ./
COPY bin bin
COPY build build
COPY src src
RUN npm pack --pack-destination /tmp && mkdir /package && tar -xzf /tmp/a2a-campaign-*.tgz -C /package --strip-components=1

# The packages that it needs, as the lock file has them.
FROM --platform=linux/amd64 ${BASE} AS dependencies
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM --platform=linux/amd64 ${BASE} AS agent
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/*
COPY --from=dependencies /build/node_modules /opt/agent/node_modules
COPY --from=package /package /opt/agent/node_modules/a2a-campaign
RUN ln -s /opt/agent/node_modules/a2a-campaign/bin/campaign /usr/local/bin/campaign
USER node
WORKDIR /home/node
# Flags win over variables. A drain shorter than the ten seconds after which `docker stop` kills.
ENV NODE_ENV=production CAMPAIGN_HOST=0.0.0.0 CAMPAIGN_PORT=9009 CAMPAIGN_DRAIN=8s
EXPOSE 9009
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD curl -fsS -o /dev/null "http://127.0.0.1:${CAMPAIGN_PORT}/.well-known/agent-card.json"

# An engine as an agent that streams every token. Needs CAMPAIGN_ENGINE and CAMPAIGN_MODEL.
FROM agent AS purple
LABEL org.opencontainers.image.title="a2a-campaign purple agent" org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["campaign", "serve", "purple"]

# The evaluator. Python is for tasks whose hidden tests are in Python.
FROM agent AS green
USER root
RUN apt-get update && apt-get install -y --no-install-recommends python3 && rm -rf /var/lib/apt/lists/*
USER node
# Participants stand beside it in a private network, or behind AgentBeats' gateway, which it meets on its own loopback.
# Metadata services of clouds stay refused.
ENV CAMPAIGN_ALLOW_PARTICIPANT=127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16
LABEL org.opencontainers.image.title="a2a-campaign green agent" org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["campaign", "serve", "green"]
