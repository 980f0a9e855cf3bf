# What only a system's own package installs: elsewhere than under /usr these files
# are not looked for, or tell other programs what to do.
install(FILES scripts/packaging/completion/tapctl scripts/packaging/completion/tapd
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
