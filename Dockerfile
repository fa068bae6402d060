# portal as a small image: nothing to write to, no root, and the configuration at /config/application.yaml.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY config/crds config/crds
COPY static static
COPY templates templates
COPY portal portal
RUN python -m venv /opt/portal && /opt/portal/bin/pip install --no-cache-dir . && /opt/portal/bin/pip uninstall -y pip

FROM python:3.13-slim
COPY --from=build /opt/portal /opt/portal
# Bytecode was compiled while installing; a read-only root file system has no room for more.
ENV PATH=/opt/portal/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["portal"]
CMD ["serve"]
