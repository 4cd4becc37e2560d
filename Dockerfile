# The program and nothing else: no shell, no package manager. The binaries come from the release workflow, one for each platform,
# built against glibc 2.17; this base has glibc, libgcc and the certificates of authorities.
FROM gcr.io/distroless/cc-debian12:nonroot
ARG TARGETARCH
COPY --chmod=0755 image/${TARGETARCH}/studio-deploy /usr/local/bin/studio-deploy
COPY LICENSE /usr/share/doc/studio-deploy/LICENSE
WORKDIR /config
ENTRYPOINT ["/usr/local/bin/studio-deploy"]
