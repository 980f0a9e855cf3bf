# Builds for arm64 with Debian's cross compiler and what scripts/arm64-sysroot has
# fetched. Read by the preset arm64.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
get_filename_component(CMAKE_SYSROOT
	${CMAKE_CURRENT_LIST_DIR}/../build/arm64-sysroot ABSOLUTE)

if(NOT EXISTS ${CMAKE_SYSROOT}/wanted)
	message(FATAL_ERROR "No ${CMAKE_SYSROOT}: scripts/arm64-sysroot makes it")
endif()
find_program(TAPD_QEMU_ARM64 qemu-aarch64)
if(NOT TAPD_QEMU_ARM64)
	message(FATAL_ERROR "No qemu-aarch64: scripts/install-deps --tests installs it")
endif()
# Every return address is signed, and to emulate the architecture's own algorithm for
# that costs ten times what all the rest does. Any other will do.
set(CMAKE_CROSSCOMPILING_EMULATOR
	${TAPD_QEMU_ARM64} -cpu max,pauth-impdef=on -L ${CMAKE_SYSROOT})

# Libraries are the target's, programs the machine's own.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
	${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_PATH} "")
