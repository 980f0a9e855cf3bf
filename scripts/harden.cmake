# What the targets of an optimised build are hardened with, added to tapd_options.
include(CheckCSourceCompiles)

# Level 3 needs a compiler that can; headers warn of one that cannot.
set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_c_source_compiles("#include <string.h>\nint main(void) { return 0; }" TAPD_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
set(fortify 2)
if(TAPD_FORTIFY_3)
	set(fortify 3)
endif()

check_c_compiler_flag(-fstack-clash-protection TAPD_STACK_CLASH)

set(optimised $<NOT:$<CONFIG:Debug>>)
target_compile_options(tapd_options INTERFACE
	$<${optimised}:-U_FORTIFY_SOURCE>
	$<${optimised}:-D_FORTIFY_SOURCE=${fortify}>
	$<${optimised}:-fstack-protector-strong>
	$<$<AND:${optimised},$<BOOL:${TAPD_STACK_CLASH}>>:-fstack-clash-protection>
	$<${optimised}:-fPIE>)
target_link_options(tapd_options INTERFACE
	$<${optimised}:-pie>
	$<${optimised}:LINKER:-z,relro,-z,now>)
