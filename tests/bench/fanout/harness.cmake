# The harness of tests/bench/instructions. Also for other trees of tapd, whichever
# commit they are at: -DCMAKE_PROJECT_tapd_INCLUDE=…/harness.cmake, which is read
# before there is a library to link, and then once more at the end.
if(NOT TARGET tapd_lib)
	cmake_language(EVAL CODE
		"cmake_language(DEFER CALL include [[${CMAKE_CURRENT_LIST_FILE}]])")
elseif(NOT TARGET bench_fanout)
	add_executable(bench_fanout ${CMAKE_CURRENT_LIST_DIR}/main.c)
	target_link_libraries(bench_fanout PRIVATE tapd_lib tapd_options)
	set_target_properties(bench_fanout PROPERTIES
		OUTPUT_NAME fanout
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endif()
