# SPDX-License-Identifier: GPL-2.0-or-later
# Installing, and packages made of what that installs.

.PHONY: install
install: all ## install below DESTDIR
	install -D -m 0755 $(O)/netd $(DESTDIR)$(PREFIX)/sbin/netd
	install -D -m 0755 $(O)/netd-reader $(DESTDIR)$(PREFIX)/sbin/netd-reader
	install -D -m 0755 $(O)/netd-metrics $(DESTDIR)$(PREFIX)/sbin/netd-metrics
	install -D -m 0755 $(O)/netd-fleet $(DESTDIR)$(PREFIX)/sbin/netd-fleet
	install -D -m 0755 $(O)/netdctl $(DESTDIR)$(PREFIX)/bin/netdctl
	install -D -m 0644 systemd/netd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/netd.service
	install -D -m 0644 systemd/netd-reader.service $(DESTDIR)$(PREFIX)/lib/systemd/system/netd-reader.service
	install -D -m 0644 systemd/netd-reader.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/netd-reader.socket
	install -D -m 0644 systemd/netd-metrics.service $(DESTDIR)$(PREFIX)/lib/systemd/system/netd-metrics.service
	install -D -m 0644 systemd/netd-metrics.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/netd-metrics.socket
	install -D -m 0644 systemd/netd-fleet.service $(DESTDIR)$(PREFIX)/lib/systemd/system/netd-fleet.service
	install -D -m 0644 systemd/netd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/netd.conf
	install -D -m 0644 systemd/netd.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/netd.conf
	install -D -m 0644 systemd/netd.catalog $(DESTDIR)$(PREFIX)/lib/systemd/catalog/netd.catalog
	install -d -m 0750 $(DESTDIR)$(SYSCONFDIR)/netd
	install -d $(DESTDIR)$(SYSCONFDIR)/netd/images.d $(DESTDIR)$(SYSCONFDIR)/netd/image-keys
	install -d $(DESTDIR)$(SYSCONFDIR)/netd/keys
	install -d $(DESTDIR)$(SYSCONFDIR)/netd/policy.d $(DESTDIR)$(SYSCONFDIR)/netd/netd.conf.d
	[ -e $(DESTDIR)$(SYSCONFDIR)/netd/netd.conf ] || \
		install -m 0644 packaging/netd.conf $(DESTDIR)$(SYSCONFDIR)/netd/netd.conf
	[ -e $(DESTDIR)$(SYSCONFDIR)/netd/fleet.conf ] || \
		install -m 0644 packaging/fleet.conf $(DESTDIR)$(SYSCONFDIR)/netd/fleet.conf
	install -d $(DESTDIR)$(PREFIX)/share/doc/netd/examples $(DESTDIR)$(PREFIX)/share/netd
	install -m 0644 policies/*.yaml contrib/* $(DESTDIR)$(PREFIX)/share/doc/netd/examples
	cd policies && find fleet -type f -exec install -D -m 0644 {} $(abspath $(DESTDIR)$(PREFIX))/share/doc/netd/examples/{} \;
	install -m 0644 README.md netd/ARCHITECTURE.md netd/THREATS.md $(DESTDIR)$(PREFIX)/share/doc/netd
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -d $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions
	install -d $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(O)/netdctl completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/netdctl
	$(O)/netdctl completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/vendor-completions/_netdctl
	$(O)/netdctl completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/netdctl.fish
	$(O)/netdctl schema > $(DESTDIR)$(PREFIX)/share/netd/netd-policy.schema.json
	install -D -m 0644 netd/netd.8 $(DESTDIR)$(PREFIX)/share/man/man8/netd.8
	install -D -m 0644 netd/netd-reader.8 $(DESTDIR)$(PREFIX)/share/man/man8/netd-reader.8
	install -D -m 0644 netd/netd-metrics.8 $(DESTDIR)$(PREFIX)/share/man/man8/netd-metrics.8
	install -D -m 0644 netd/netd-fleet.8 $(DESTDIR)$(PREFIX)/share/man/man8/netd-fleet.8
	install -D -m 0644 ctl/netdctl.8 $(DESTDIR)$(PREFIX)/share/man/man8/netdctl.8
	install -D -m 0644 netd/netd.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/netd.conf.5
	install -D -m 0644 netd/netd-policy.5 $(DESTDIR)$(PREFIX)/share/man/man5/netd-policy.5

# The list of files is that of `install`. Policies, what was set in netd.conf, and the state stay.
.PHONY: uninstall
uninstall: all ## remove what `make install` put below DESTDIR
	$(Q)rm -rf $(O)/installed
	$(Q)$(MAKE) --no-print-directory -s install DESTDIR=$(O)/installed
	$(Q)packaging/uninstall $(O)/installed $(if $(DESTDIR),$(DESTDIR),/)
	$(Q)rm -rf $(O)/installed

.PHONY: dist
dist: ## the sources as $(O)/netd-VERSION.tar.xz, the same bytes each time
	$(Q)packaging/make-dist $(O)/netd-$(VERSION).tar.xz netd-$(VERSION)

.PHONY: deb
deb: ## Debian packages, source and binary, in $(O)/deb (needs dpkg-dev and debhelper)
	$(Q)packaging/make-deb $(O)/deb

.PHONY: rpm
rpm: ## rpm packages, source and binary, in $(O)/rpm (needs rpmbuild)
	$(Q)packaging/make-rpm $(O)/rpm
