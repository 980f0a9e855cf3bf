# What only a system's own package does. It installs files that are not looked for
# elsewhere than under /usr, or tell other programs what to do.

# Where it was built says nothing, and must not change a byte of it.
set(without_its_path -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_compile_options(tapd_options INTERFACE ${without_its_path})
target_link_options(tapd_options INTERFACE ${without_its_path})

install(FILES scripts/packaging/completion/multi-unicast
	scripts/packaging/completion/tapctl scripts/packaging/completion/tapd
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES scripts/packaging/networkd-10-tapd.network
	DESTINATION lib/systemd/network RENAME 10-tapd.network)
install(FILES scripts/packaging/networkmanager-tapd.conf
	DESTINATION lib/NetworkManager/conf.d RENAME tapd.conf)
install(FILES scripts/packaging/firewalld-tapd.xml
	DESTINATION lib/firewalld/services RENAME tapd.xml)
install(PROGRAMS scripts/system-sleep
	DESTINATION lib/systemd/system-sleep RENAME tapd)
# ufw looks nowhere else.
install(FILES scripts/packaging/ufw-tapd
	DESTINATION /etc/ufw/applications.d RENAME tapd)
