# Every file under tests/ and fuzz/ that looks like a test is one: nothing is listed by hand.
#
#   tests/**/NAME_test.c     a Criterion program       tests/**/NAME_test.py   run by TEG_PYTHON
#   tests/**/NAME.sh         run by bash               fuzz/NAME_fuzz.c        replays fuzz/corpus/NAME
#
# A test is called by its path without ending and has one label by where it lies: slow, nightly, tree
# (tests/lint and tests/install: the same in every build) or unit. Exit code 77 of a script means
# skipped.

if(NOT PkgConfig_FOUND)
	message(FATAL_ERROR "The tests need pkg-config to find Criterion.")
endif()
pkg_check_modules(criterion REQUIRED IMPORTED_TARGET GLOBAL criterion)

# Criterion's runner and ThreadSanitizer exclude each other: see the file. It also allows a test to
# watch an assertion fail, as the tests of tests/support do.
add_library(teg_runner STATIC tests/support/runner/runner.c)
teg_compile_as_program(teg_runner)
target_include_directories(teg_runner PUBLIC ${criterion_INCLUDE_DIRS})
set(teg_criterion PkgConfig::criterion)
if("thread" IN_LIST TEG_SANITIZE)
	set(teg_criterion teg_runner)
endif()

set(teg_python "${TEG_PYTHON}")
if(NOT teg_python)
	find_package(Python3 REQUIRED COMPONENTS Interpreter)
	set(teg_python "${Python3_EXECUTABLE}")
endif()
find_program(TEG_BASH bash REQUIRED)

set(teg_test_environment
	"TEG_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "TEG_BUILD_DIR=${PROJECT_BINARY_DIR}"
	"TEG_TILECTL=${PROJECT_BINARY_DIR}/tilectl" "TEG_PYTHON=${teg_python}"
	"TEG_CMAKE=${CMAKE_COMMAND}" "TEG_SANITIZE=${TEG_SANITIZE}" "CC=${CMAKE_C_COMPILER}" "CXX=c++"
	"PYTHONDONTWRITEBYTECODE=1" "CRITERION_JOBS=1"
	"ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1"
	"UBSAN_OPTIONS=print_stacktrace=1")

# Criterion runs each test in a child of its own and takes no notice of what a sanitizer says when
# that child ends, nor of a program without tests.
set(teg_bad_words
	"LeakSanitizer|AddressSanitizer|WARNING: ThreadSanitizer|runtime error:|Tested: 0 ")

function(teg_test_properties name)
	set(label unit)
	set(seconds 120)
	if(name MATCHES "(^|/)(slow|nightly)/")
		set(label ${CMAKE_MATCH_2})
		set(seconds 3600)
	elseif(name MATCHES "^(lint|install)/")
		set(label tree)
		set(seconds 300)
	endif()
	if(name MATCHES "^(cli|model)/") # hundreds of commands, each of which syncs; a minute of CPU
		set(seconds 600)
	endif()
	if(TEG_SANITIZE)
		math(EXPR seconds "${seconds} * 5")
	endif()
	set_tests_properties("${name}" PROPERTIES LABELS ${label} TIMEOUT ${seconds} SKIP_RETURN_CODE 77
		ENVIRONMENT "${teg_test_environment}" FAIL_REGULAR_EXPRESSION "${teg_bad_words}")
	if(name MATCHES "^(cli|model)/")
		set_tests_properties("${name}" PROPERTIES COST 1000) # what begins last runs alone
	endif()
endfunction()

function(teg_c_test source)
	file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}/tests" "${source}")
	string(REGEX REPLACE "_test\\.c$" "" name "${path}")
	string(REPLACE "/" "_" target "test_${name}")
	add_executable(${target} "${source}")
	teg_compile_as_program(${target})
	if(name MATCHES "^tools/tilectl/" AND TARGET tilectl_parts)
		# The library as programs have it: names inside of it are not those of the tool.
		target_link_libraries(${target} PRIVATE tilectl_parts tegula_static)
	endif()
	if(name MATCHES "^support/")
		target_link_libraries(${target} PRIVATE teg_runner)
	endif()
	target_link_libraries(${target} PRIVATE teg_test_support ${teg_criterion})
	set_target_properties(${target} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
	add_test(NAME "${name}" COMMAND ${target})
	teg_test_properties("${name}")
endfunction()

function(teg_script_test source)
	file(RELATIVE_PATH path "${PROJECT_SOURCE_DIR}/tests" "${source}")
	string(REGEX REPLACE "(_test)?\\.(sh|py)$" "" name "${path}")
	if(source MATCHES "\\.py$")
		add_test(NAME "${name}" COMMAND "${teg_python}" "${source}")
	else()
		add_test(NAME "${name}" COMMAND "${TEG_BASH}" "${source}")
	endif()
	teg_test_properties("${name}")
endfunction()

file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/support/*.c")
list(FILTER sources EXCLUDE REGEX "_test\\.c$")
if(sources)
	add_library(teg_test_support STATIC ${sources})
	teg_compile_as_program(teg_test_support)
	target_link_libraries(teg_test_support PUBLIC tegula_internal ${teg_criterion})
else()
	add_library(teg_test_support INTERFACE)
	target_link_libraries(teg_test_support INTERFACE tegula_internal)
endif()

# tests/cli/cases.sh makes its stores with it.
if(TARGET tilectl)
	add_executable(cli_fixture "${PROJECT_SOURCE_DIR}/tests/cli/fixture.c")
	teg_compile_as_program(cli_fixture)
	target_link_libraries(cli_fixture PRIVATE tegula_static m)
	set_target_properties(cli_fixture PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
endif()

# tests/reader/vectors_test.py writes the vectors of format-spec anew with it.
add_executable(vectors_generate "${PROJECT_SOURCE_DIR}/tests/reader/generate.c"
	"${PROJECT_SOURCE_DIR}/tests/reader/generate_chunks.c")
teg_compile_as_program(vectors_generate)
target_link_libraries(vectors_generate PRIVATE tegula_internal)
set_target_properties(vectors_generate PROPERTIES
	RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")

file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/*_test.c")
foreach(source ${sources})
	teg_c_test("${source}")
endforeach()
if(TEG_ZSTD_TAKES_ALLOCATOR)
	target_compile_definitions(test_codec_column_zstd PRIVATE TEG_ZSTD_TAKES_ALLOCATOR)
endif()

file(GLOB_RECURSE sources CONFIGURE_DEPENDS
	"${PROJECT_SOURCE_DIR}/tests/*.sh" "${PROJECT_SOURCE_DIR}/tests/*_test.py")
foreach(source ${sources})
	teg_script_test("${source}")
endforeach()

# ---- fuzz targets: libFuzzer programs with TEG_FUZZ, otherwise a replay of the corpus ------------

file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.c")
foreach(source ${sources})
	cmake_path(GET source STEM target)
	string(REGEX REPLACE "_fuzz$" "" name "${target}")
	if(name MATCHES "^tilectl_" AND NOT TARGET tilectl_parts)
		continue()
	endif()
	add_executable(${target} "${source}")
	teg_compile_as_program(${target})
	if(name MATCHES "^tilectl_")
		target_link_libraries(${target} PRIVATE tilectl_parts)
	endif()
	target_link_libraries(${target} PRIVATE tegula_internal)
	set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
	if(TEG_FUZZ)
		target_link_options(${target} PRIVATE -fsanitize=fuzzer)
	else()
		target_sources(${target} PRIVATE "${PROJECT_SOURCE_DIR}/fuzz/driver.c")
		add_test(NAME "fuzz/${name}"
			COMMAND ${target} "${PROJECT_SOURCE_DIR}/fuzz/corpus/${name}")
		teg_test_properties("fuzz/${name}")
	endif()
endforeach()
