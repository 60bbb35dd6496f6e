FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY memory memory
COPY retrieval retrieval
COPY api api
COPY eval eval
RUN python -m venv /satchel && /satchel/bin/pip install --no-cache-dir -c constraints.txt '.[cluster]'

FROM python:3.11-slim
COPY --from=build /satchel /satchel
RUN useradd --uid 10001 --no-create-home satchel && mkdir /data && chown satchel /data
USER satchel
ENV SATCHEL_DATA=/data SATCHEL_HOST=0.0.0.0 PYTHONUNBUFFERED=1 PATH=/satchel/bin:$PATH
VOLUME /data
EXPOSE 8377
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8377/readyz', timeout=2)"]
CMD ["satchel", "serve"]
