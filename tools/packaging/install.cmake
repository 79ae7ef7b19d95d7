# Libraries, headers, pkg-config file, CMake package, tilectl.

include(CMakePackageConfigHelpers)
set(teg_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/tegula")

install(TARGETS tegula EXPORT tegula-shared)
install(TARGETS tegula_static EXPORT tegula-static)
install(DIRECTORY "${teg_staged_include}/tegula" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET tilectl)
	install(TARGETS tilectl)
endif()
# Both are made from the table of options, by the program that has it.
if(TARGET tilectl AND NOT CMAKE_CROSSCOMPILING)
	add_custom_command(OUTPUT tilectl.1 tilectl.bash DEPENDS tilectl
		COMMAND tilectl help --man > tilectl.1
		COMMAND tilectl completion bash > tilectl.bash)
	add_custom_target(tilectl_pages ALL DEPENDS tilectl.1 tilectl.bash)
	install(FILES "${CMAKE_CURRENT_BINARY_DIR}/tilectl.1"
		DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
	install(FILES "${CMAKE_CURRENT_BINARY_DIR}/tilectl.bash" RENAME tilectl
		DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
endif()

install(EXPORT tegula-shared NAMESPACE tegula:: DESTINATION "${teg_package_dir}")
install(EXPORT tegula-static NAMESPACE tegula:: DESTINATION "${teg_package_dir}")
configure_package_config_file(tools/packaging/tegula-config.cmake.in
	"${PROJECT_BINARY_DIR}/tegula-config.cmake" INSTALL_DESTINATION "${teg_package_dir}")
# Before 1.0 a new minor version may break programs.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/tegula-config-version.cmake"
	COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/tegula-config.cmake"
	"${PROJECT_BINARY_DIR}/tegula-config-version.cmake" DESTINATION "${teg_package_dir}")
install(FILES tools/packaging/dependencies.cmake DESTINATION "${teg_package_dir}"
	RENAME tegula-dependencies.cmake)

# The file finds its prefix from where it lies, so a moved tree and `cmake --install --prefix` work;
# with an absolute library directory, as distributions set it, the prefix is what was configured.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
	set(teg_pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
	file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
	string(REGEX REPLACE "/$" "" up "${up}")
	set(teg_pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(kind LIB INCLUDE)
	string(TOLOWER ${kind} lower)
	set(teg_pc_${lower}dir "${CMAKE_INSTALL_${kind}DIR}")
	if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_${kind}DIR}")
		string(PREPEND teg_pc_${lower}dir "\${prefix}/")
	endif()
endforeach()

set(teg_pc_msgpack msgpack)
foreach(name msgpack-c msgpackc)
	if(PkgConfig_FOUND)
		pkg_check_modules(teg_pc_has_${name} QUIET ${name})
	endif()
	if(teg_pc_has_${name}_FOUND)
		set(teg_pc_msgpack ${name})
		break()
	endif()
endforeach()
configure_file(tools/packaging/tegula.pc.in "${PROJECT_BINARY_DIR}/tegula.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/tegula.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
