# The service. Build: docker build --tag alsosee .   With proxy, store and cache: docker compose up
FROM python:3.13.16-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/alsosee
# Without the extra `evaluate`: the service needs none of it. Evaluate where `make install` ran.
COPY requirements.txt ./
# Wheels only: the image has no compiler, and nothing here needs one.
RUN /opt/alsosee/bin/pip install --only-binary :all: --require-hashes --requirement requirements.txt
COPY LICENSE README.md pyproject.toml ./
COPY features ./features
COPY recommender ./recommender
COPY api ./api
RUN /opt/alsosee/bin/pip install --no-build-isolation --no-deps .

FROM python:3.13.16-slim-trixie
LABEL org.opencontainers.image.title="Also See" \
      org.opencontainers.image.description="Related articles for news publishers, from the site's own archive" \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN groupadd --gid 10001 alsosee \
 && useradd --uid 10001 --gid alsosee --no-create-home --home-dir /var/lib/alsosee --shell /usr/sbin/nologin alsosee \
 && install --directory --owner alsosee --group alsosee --mode 0700 /var/lib/alsosee /var/cache/alsosee
COPY --from=build /opt/alsosee /opt/alsosee
# 0.0.0.0 inside the container only: nothing is published unless you say so, and then put a proxy in front.
ENV PATH=/opt/alsosee/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ALSOSEE_HOST=0.0.0.0 \
    ALSOSEE_DATA_DIR=/var/lib/alsosee \
    XDG_CACHE_HOME=/var/cache/alsosee
WORKDIR /var/lib/alsosee
VOLUME /var/lib/alsosee
USER 10001:10001
# Compiled code is in the image, never in the volume that is backed up; another processor compiles anew.
RUN python -P -c "from recommender.pipeline.warm import warm; warm()"
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('ALSOSEE_PORT', '8000') + '/healthz', timeout=2)"]
CMD ["alsosee", "serve"]
